/**
 * How many calls a second one core of the simulator answers, and how many per second of its CPU time. The simulator runs in a process of
 * its own on core 0, this client on core 1, so the figures hold only where nothing else runs on core 0.
 *
 *     npm run build && node dist/test/bench/simulator-load.js --connections 1000 --seconds 5 --latency-ms 0 --prompt-bytes 1024
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const SIMULATOR = fileURLToPath(new URL('../../apps/simulator/src/main.js', import.meta.url))
const WARM_UP_MS = 2_000
/** Linux counts CPU time in hundredths of a second. */
const TICKS_PER_SECOND = 100
const CLOSING_BRACE = 0x7d

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '5' },
    'latency-ms': { type: 'string', default: '0' },
    'prompt-bytes': { type: 'string', default: '1024' },
  },
})
const connections = Number(values.connections)
const seconds = Number(values.seconds)

const simulator = spawn('taskset', ['-c', '0', process.execPath, SIMULATOR], { stdio: ['ignore', 'pipe', 'inherit'] })
try {
  spawnSync('taskset', ['-cp', '1', String(process.pid)])
  const url = await readUrl(simulator)
  const token = await prepare(url)
  const load = startLoad(url, token)
  await sleep(WARM_UP_MS)
  console.log(JSON.stringify(await measure(simulator, load)))
} finally {
  simulator.kill()
}
process.exit(0)

interface Load {
  answers: number
  errors: number
}

async function readUrl({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('the simulator has no stdout')
  const [line] = (await once(createInterface(stdout), 'line')) as [string]
  return (JSON.parse(line) as { url: string }).url
}

/** A token, no limit of streams, and the latency. */
async function prepare(url: string): Promise<string> {
  const settings = { streams: { GIGACHAT_API_CORP: 0 }, latency: { kind: 'fixed', ms: Number(values['latency-ms']) } }
  await fetch(`${url}/__sim/settings`, { method: 'PUT', body: JSON.stringify(settings) })
  const response = await fetch(`${url}/api/v2/oauth`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa('load:secret')}`, RqUID: randomUUID() },
    body: new URLSearchParams({ scope: 'GIGACHAT_API_CORP' }),
  })
  return ((await response.json()) as { access_token: string }).access_token
}

/** Each connection sends its next call when it has the last answer. Bare sockets: an HTTP client could not keep core 0 busy from core 1. */
function startLoad(url: string, token: string): Load {
  const load: Load = { answers: 0, errors: 0 }
  const { port, hostname } = new URL(url)
  const text = 'some words to read '.repeat(Number(values['prompt-bytes']) / 19)
  const makeRequest = makeRequestSource(token, text)
  for (let index = 0; index < connections; index++) {
    const socket = connect(Number(port), hostname, () => socket.write(makeRequest()))
    socket.setNoDelay(true)
    socket.on('data', (chunk) => {
      // Every body is a JSON object that comes with its headers or after them: its brace is the end of the response.
      if (chunk.at(-1) !== CLOSING_BRACE) return
      load.answers++
      if (!chunk.includes('HTTP/1.1 200')) load.errors++
      socket.write(makeRequest())
    })
    socket.on('error', () => {
      load.errors++
    })
  }
  return load
}

/** Every call has its own attempt id and task, as from the service. */
function makeRequestSource(token: string, text: string): () => string {
  const head = `POST /api/v1/chat/completions HTTP/1.1\r\nHost: simulator\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n`
  let sent = 0
  return () => {
    const id = String(++sent).padStart(12, '0')
    const content = `[[task:task-${id}]] ${text}`
    const body = `{"model":"GigaChat-2","messages":[{"role":"system","content":"You are helpful"},{"role":"user","content":"${content}"}],"max_tokens":512}`
    return `${head}X-Request-ID: 6c84fb90-12c4-41e1-840d-${id}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  }
}

async function measure({ pid }: ChildProcess, load: Load): Promise<Record<string, unknown>> {
  const before = { answers: load.answers, cpu: cpuSeconds(pid), time: performance.now() }
  await sleep(seconds * 1_000)
  const answers = load.answers - before.answers
  return {
    connections,
    latency_ms: Number(values['latency-ms']),
    prompt_bytes: Number(values['prompt-bytes']),
    requests_per_second: Math.round((answers / (performance.now() - before.time)) * 1_000),
    requests_per_cpu_second: Math.round(answers / (cpuSeconds(pid) - before.cpu)),
    errors: load.errors,
    simulator_rss_mib: residentMib(pid),
  }
}

function cpuSeconds(pid: number | undefined): number {
  // The name in parentheses may contain spaces; user and system time are the 12th and 13th fields after it.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

function residentMib(pid: number | undefined): number {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(kib) / 1024)
}
