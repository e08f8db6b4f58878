import { randomUUID } from 'node:crypto'
import { inject, onTestFinished } from 'vitest'
import { Test } from '@nestjs/testing'
import { ConfigModule } from '#libs/config'
import { LlmClients, type LlmCall, type SendResult } from '#libs/kernel'
import { GigaChatClient, LlmModule, llmSettings } from '#libs/llm'
import { MetricsModule } from '#libs/metrics'
import { tracingSettings } from '#libs/tracing'
import { register } from 'prom-client'
import type { FaultInput } from '../../../apps/simulator/src/faults/fault.schema.js'
import { SimulatorClient, type BillLine } from '../../../apps/simulator/src/testing/simulator.client.js'

const NEVER = new AbortController().signal

export interface SimulatorSetUp {
  readonly client: GigaChatClient
  /** With a fresh attempt id, also found on the bill. */
  readonly send: (call?: Partial<LlmCall>, signal?: AbortSignal) => Promise<SendResult>
  /** Hits only the calls of this test. */
  readonly fault: (fault: FaultInput) => Promise<void>
  /** The calls of this test that reached the simulator. */
  readonly bill: () => Promise<BillLine[]>
  readonly simulator: SimulatorClient
  readonly clientId: string
}

/** The client against the simulator that all tests of the run share, with a credential of its own. */
export async function setUpSimulator(env: Record<string, string> = {}): Promise<SimulatorSetUp> {
  const { gigachat } = inject('stack')
  const clientId = randomUUID()
  const settings = llmSettings.parse({
    GIGACHAT_CREDENTIALS: Buffer.from(`${clientId}:secret`).toString('base64'),
    GIGACHAT_SCOPE: 'GIGACHAT_API_CORP',
    GIGACHAT_BASE_URL: gigachat.baseUrl,
    GIGACHAT_AUTH_URL: gigachat.authUrl,
    ...env,
  })
  if (gigachat.controlUrl === undefined) throw new Error('these tests need the simulator: no other GigaChat has its control API')
  register.clear()
  const imports = [
    ConfigModule.forRoot([llmSettings, tracingSettings]),
    MetricsModule.forRoot({ service: 'test', version: '0' }),
    LlmModule,
  ]
  const application = await Test.createTestingModule({ imports }).overrideProvider(llmSettings.KEY).useValue(settings).compile()
  onTestFinished(() => application.close())
  const client = application.get(LlmClients).of('gigachat') as GigaChatClient
  const simulator = new SimulatorClient(new URL(gigachat.controlUrl).origin)
  return {
    client,
    simulator,
    clientId,
    send: (call, signal = NEVER) => client.send({ ...PLAIN, attemptId: randomUUID(), ...call }, signal),
    fault: async (fault) => {
      await simulator.fault({ ...fault, filter: { ...fault.filter, credential: clientId } })
    },
    bill: async () => (await simulator.bill()).filter(({ credential }) => credential === clientId),
  }
}

const PLAIN: Omit<LlmCall, 'attemptId'> = {
  model: 'GigaChat-2',
  messages: [{ role: 'user', content: 'Как дела?' }],
  params: { max_tokens: 100 },
  stream: false,
}
