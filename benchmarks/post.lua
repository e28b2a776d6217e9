-- wrk script: posts the files of a folder in turn. Arguments: folder, count, content type; files are named 0, 1, 2 ...
-- Whatever is not answered with 2xx or 3xx counts as wrong, and as no request.
local requests, turn = {}, 0

function init(arguments)
  wrk.headers["Content-Type"] = arguments[3]
  for i = 0, tonumber(arguments[2]) - 1 do
    local file = assert(io.open(arguments[1] .. "/" .. i, "rb"))
    requests[i + 1] = wrk.format("POST", nil, nil, file:read("*a"))
    file:close()
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency)
  local wrong = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  local right, seconds = summary.requests - summary.errors.status, summary.duration / 1e6
  io.write(string.format(
    'RESULT {"requests": %d, "requests_per_second": %f, "p50_ms": %f, "p99_ms": %f, "max_ms": %f, "wrong": %d}\n',
    right, right / seconds, latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000, wrong))
end
