/**
 * How many calls a second of CPU time the GigaChat client makes: token, request, answer, classification and parsing, without the rest of
 * the service. The simulator runs on core 0, the client on core 1.
 *
 *     npm run build && node dist/test/bench/llm-client.js --connections 1000 --calls 30000 [--stream]
 */
import { Test } from '@nestjs/testing'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ConfigModule } from '#libs/config'
import { LlmClients, type LlmClient } from '#libs/kernel'
import { LlmModule, llmSettings } from '#libs/llm'
import { MetricsModule } from '#libs/metrics'
import { tracingSettings } from '#libs/tracing'

const SIMULATOR = fileURLToPath(new URL('../../apps/simulator/src/main.js', import.meta.url))
const MESSAGES = [
  { role: 'system', content: 'You are helpful' },
  { role: 'user', content: 'some words to read '.repeat(50) },
] as const

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '1000' },
    calls: { type: 'string', default: '30000' },
    stream: { type: 'boolean', default: false },
  },
})
const connections = Number(values.connections)
const calls = Number(values.calls)

const settings = JSON.stringify({ streams: { GIGACHAT_API_CORP: 0 }, bill: { detail: false } })
const simulator = spawn('taskset', ['-c', '0', process.execPath, SIMULATOR], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env: { ...process.env, SIMULATOR_SETTINGS: settings },
})
try {
  spawnSync('taskset', ['-acp', '1', String(process.pid)])
  const { application, client } = await start(await readUrl(simulator))
  await run(client, calls)
  console.log(JSON.stringify(await measure(client)))
  await application.close()
} finally {
  simulator.kill()
}

async function readUrl({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('the simulator has no stdout')
  const [line] = (await once(createInterface(stdout), 'line')) as [string]
  return (JSON.parse(line) as { url: string }).url
}

async function start(url: string) {
  process.env.GIGACHAT_CREDENTIALS = btoa('load:secret')
  process.env.GIGACHAT_SCOPE = 'GIGACHAT_API_CORP'
  process.env.GIGACHAT_BASE_URL = `${url}/api/v1`
  process.env.GIGACHAT_AUTH_URL = `${url}/api/v2/oauth`
  process.env.LLM_MAX_STREAMS = String(connections)
  const imports = [
    ConfigModule.forRoot([llmSettings, tracingSettings]),
    MetricsModule.forRoot({ service: 'bench', version: '0' }),
    LlmModule,
  ]
  const application = await Test.createTestingModule({ imports }).compile()
  return { application, client: application.get(LlmClients).of('gigachat') }
}

/** Each of the connections is busy all the time. */
async function run(client: LlmClient, total: number): Promise<void> {
  let left = total
  const worker = async () => {
    while (left-- > 0) await call(client)
  }
  await Promise.all(Array.from({ length: connections }, worker))
}

async function call(client: LlmClient): Promise<void> {
  const request = { attemptId: randomUUID(), model: 'GigaChat-2', messages: MESSAGES, params: { max_tokens: 512 }, stream: values.stream }
  const result = await client.send(request, new AbortController().signal)
  if (result.kind !== 'answered') throw new Error(`${result.kind}: ${result.error.message}`, { cause: result.error })
  client.parse(result.answer)
}

async function measure(client: LlmClient): Promise<Record<string, unknown>> {
  const startedAt = performance.now()
  const cpuBefore = process.cpuUsage()
  await run(client, calls)
  const { user, system } = process.cpuUsage(cpuBefore)
  return {
    connections,
    stream: values.stream,
    calls_per_second: Math.round(calls / ((performance.now() - startedAt) / 1_000)),
    calls_per_cpu_second: Math.round(calls / ((user + system) / 1_000_000)),
    cpu_microseconds_per_call: Math.round((user + system) / calls),
  }
}
