// Numbers as people read them.

// Rounded down: only what is certain is called 100 %.
export function percent(share, digits = 1) {
  const scale = 10 ** digits;
  return `${(Math.floor(share * 100 * scale + 1e-7) / scale).toFixed(digits)}\u00a0%`;
}

export function milliseconds({ prepare, queue, infer }) {
  const sum = prepare + queue + infer;
  return `${sum < 10 ? sum.toFixed(1) : Math.round(sum)}\u00a0ms`;
}

// How many corrections wait, and whether the server learns from them by itself. `summary` is GET /v1/feedback/summary's.
export function waiting({ waiting: count, job_after: enough }) {
  const wait = count === 1 ? "1 correction waits" : `${count} corrections wait`;
  if (enough === null) return `${wait} for a job to learn from ${count === 1 ? "it" : "them"}`;
  if (count < enough) return `${wait}. At ${enough} the server learns from them by itself`;
  return `${wait}. The server learns from them by itself`;
}
