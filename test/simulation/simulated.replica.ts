import type { CallHandler, ExecutionContext } from '@nestjs/common'
import { AdmissionEvents, admissionSettings, createAdmission } from '#libs/admission'
import { TASK_PATTERN, type Clock, type FileStore, type LlmClient, type TaskClaim, type TaskType } from '#libs/kernel'
import { of } from 'rxjs'
import { LedgerTransport } from '../../libs/queue/src/ledger/ledger.transport.js'
import { FileBudget } from '../../libs/tasks/src/files/file.budget.js'
import { TaskFilesReader } from '../../libs/tasks/src/files/task-files.reader.js'
import { deferralSettings } from '../../libs/tasks/src/deferral/deferral.settings.js'
import { MessageParser } from '../../libs/tasks/src/intake/message-parser.js'
import { TaskEvents } from '../../libs/tasks/src/metrics/task.events.js'
import type { OutboxRelay } from '../../libs/tasks/src/outbox/outbox.relay.js'
import { DeadlineInterceptor } from '../../libs/tasks/src/pipeline/deadline.interceptor.js'
import { OutcomeInterceptor } from '../../libs/tasks/src/pipeline/outcome.interceptor.js'
import { RetryInterceptor } from '../../libs/tasks/src/pipeline/retry.interceptor.js'
import { TaskPipelineInterceptor } from '../../libs/tasks/src/pipeline/task-pipeline.interceptor.js'
import { AnswerJudge } from '../../libs/tasks/src/run/answer.judge.js'
import { OutcomeStore } from '../../libs/tasks/src/run/outcome.store.js'
import { TaskPreparer } from '../../libs/tasks/src/run/task.preparer.js'
import { TaskRunner } from '../../libs/tasks/src/run/task.runner.js'
import { FileTaskTypes } from '../../libs/tasks/src/types/file-task-types.js'
import { TenantDirectory } from '../../libs/tasks/src/types/tenant-directory.js'
import { FakeCallObserver } from '../fakes/fake.call-observer.js'
import { FakeTracer } from '../fakes/fake.tracer.js'
import { FakeFileStore } from '../fakes/fake-file.store.js'
import { FakeOutputChecker, FakePromptRenderer } from '../fakes/fake-prompt.renderer.js'
import type { SeededRandom } from '../faults/seeded-random.js'
import { ModelAdmissionStore } from '../model/model.admission.js'
import { ModelLedger } from '../model/model-ledger.js'
import type { ModelTables } from '../model/model.tables.js'
import type { Faults } from './faults.js'
import { ReplicaFate } from './replica.fate.js'
import { OneProvider, SimulatedLlmClient, type OpenSend } from './simulated-llm.client.js'
import { SimulatedLease } from './simulated.lease.js'
import { SimulatedRelay, type SimulatedTopic } from './simulated.topic.js'
import { UnreliableAdmissionStore } from './unreliable.admission.js'
import { UnreliableLedger } from './unreliable.ledger.js'

/** Few streams, so that replicas compete for them. */
export const STREAMS = { maxStreams: 3, providers: ['gigachat'] }
const ADMISSION = admissionSettings.parse({ LLM_BREAKER_FAILURES: '3', LLM_BREAKER_OPEN_MS: '1000', LLM_BREAKER_MAX_OPEN_MS: '8000' })
const SETTINGS = { inlineAnswerBytes: 1_000, filesInHandBytes: 1_000, maxCrashes: 5 }

/** What all replicas of a run have in common. */
export interface Cluster {
  readonly tables: ModelTables
  readonly clock: Clock
  readonly types: readonly TaskType[]
  readonly faults: Faults
  readonly random: SeededRandom
  readonly topic: SimulatedTopic
  readonly sends: OpenSend[]
  /** Tells every replica that tasks are due. */
  readonly announce: () => void
  /** What stands in the place of the provider that fails by chance. */
  readonly provider?: LlmClient
  /** Where larger answers go; a store that refuses everything where left out. */
  readonly files?: FileStore
}

/** The real core (transport, pipeline, runner, outcomes) on ports that fail. It ends with the virtual time, or dies before. */
export class SimulatedReplica {
  readonly fate: ReplicaFate
  readonly ledger: UnreliableLedger
  readonly model: ModelLedger

  constructor(cluster: Cluster) {
    const { tables, clock, faults, random } = cluster
    this.fate = new ReplicaFate(random, faults)
    const parts = { fate: this.fate, faults, random }
    const lease = new SimulatedLease({ ...parts, tables, clock, onDue: cluster.announce })
    this.model = new ModelLedger(tables, lease, clock)
    this.ledger = new UnreliableLedger(this.model, this.fate, faults)
    const clients = new OneProvider(cluster.provider ?? new SimulatedLlmClient(tables, cluster.sends, parts))
    const relay = new SimulatedRelay(this.ledger, cluster.topic, parts)
    const pipeline = makePipeline({ ledger: this.ledger, clients, relay, ...cluster })
    const limits = { claimBatch: 10, spareTasks: 4, inHandBytes: 1_000_000, pollIntervalMs: 500, graceMs: 60_000 }
    const shared = new ModelAdmissionStore({ tables, lease, clock, onDue: (listener) => this.model.onDue(listener) })
    const store = new UnreliableAdmissionStore(shared, this.fate, faults)
    const { admission, loop } = createAdmission(store, clock, new AdmissionEvents(), ADMISSION, STREAMS)
    const transport = new LedgerTransport({ ledger: this.ledger, lease, admission, clock, ...limits })
    transport.addHandler(TASK_PATTERN, (claim: TaskClaim) => Promise.resolve(pipeline(claim)), true)
    transport.listen(() => {})
    loop.start()
  }
}

interface PipelineParts extends Pick<Cluster, 'clock' | 'types' | 'files'> {
  readonly ledger: UnreliableLedger
  readonly clients: OneProvider
  readonly relay: SimulatedRelay
}

function makePipeline({ ledger, clients, relay, clock, types: list, files = new FakeFileStore() }: PipelineParts) {
  const types = new FileTaskTypes([...list])
  const parser = new MessageParser({ maxMessageBytes: 4_096 })
  const prompts = new FakePromptRenderer()
  prompts.render.mockReturnValue({ messages: [{ role: 'user', content: 'a question' }], estimatedPromptTokens: 5 })
  const tenants = new TenantDirectory([{ name: 'default', filePrefixes: ['inputs/'] }], new Map())
  const preparer = new TaskPreparer(parser, types, tenants, new TaskFilesReader(files, new FileBudget(SETTINGS)), prompts)
  const runner = new TaskRunner(
    ledger,
    clients,
    preparer,
    new AnswerJudge(clients, new FakeOutputChecker(), files, SETTINGS),
    new FakeCallObserver(),
    SETTINGS,
  )
  const outcomes = new OutcomeStore(ledger, relay as unknown as OutboxRelay, parser, clock)
  const interceptor = new TaskPipelineInterceptor([
    new OutcomeInterceptor(outcomes, new FakeTracer(false), new TaskEvents()),
    new DeadlineInterceptor(),
    new RetryInterceptor(types, deferralSettings.parse({})),
  ])
  const next: CallHandler = { handle: () => of((context: Parameters<TaskRunner['run']>[0]) => runner.run(context)) }
  return (claim: TaskClaim) => {
    const execution = { switchToRpc: () => ({ getContext: () => claim }) } as unknown as ExecutionContext
    return interceptor.intercept(execution, next)
  }
}
