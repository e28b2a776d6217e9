-- wrk script: posts the files of a folder in turn. Arguments: folder, count, content type; files are named 0, 1, 2 ...
local bodies, turn = {}, 0

function init(arguments)
  for i = 0, tonumber(arguments[2]) - 1 do
    local file = assert(io.open(arguments[1] .. "/" .. i, "rb"))
    bodies[i] = file:read("*a")
    file:close()
  end
  wrk.method = "POST"
  wrk.headers["Content-Type"] = arguments[3]
end

function request()
  turn = (turn + 1) % (#bodies + 1)
  return wrk.format(nil, nil, nil, bodies[turn])
end

function done(summary, latency)
  local wrong = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format('RESULT {"requests_per_second": %f, "p50_ms": %f, "p99_ms": %f, "wrong": %d}\n',
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, wrong))
end
