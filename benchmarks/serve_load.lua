-- wrk's script: POST each of the photos in a folder in turn, then print what was measured as one line of JSON.
local requests, sent = {}, 0

function init(arguments)
  for name in io.popen('ls "' .. arguments[1] .. '"'):lines() do
    local file = assert(io.open(arguments[1] .. "/" .. name, "rb"))
    requests[#requests + 1] = wrk.format("POST", nil, {["Content-Type"] = "image/jpeg"}, file:read("*a"))
    file:close()
  end
end

function request()
  sent = sent + 1
  return requests[sent % #requests + 1]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
