import type { ExecutionContext } from '@nestjs/common'
import { TaskContext, type ClaimedTask, type PipelineContext } from '#libs/kernel'
import { FakeAdmission } from '../fakes/fake.admission.js'
import { FakeClock } from '../fakes/fake.clock.js'
import { makeClaimedTask } from './claimed-task.factory.js'

interface TestContext {
  readonly context: TaskContext
  readonly streams: FakeAdmission
  readonly clock: FakeClock
}

/** The context of a claimed task, with the stream that its transport has taken for it where it was claimed with an attempt. */
export function makeTaskContext(
  task: ClaimedTask = makeClaimedTask(),
  { signal = new AbortController().signal, receivedAtMs = task.acceptedAtMs + 2_000 }: { signal?: AbortSignal; receivedAtMs?: number } = {},
): TestContext {
  const streams = new FakeAdmission()
  if (task.attempt) streams.take(1)
  const clock = new FakeClock()
  return { streams, clock, context: new TaskContext(task, { admission: streams, clock, signal, receivedAtMs }) }
}

/** What Nest hands to an interceptor, as far as ours read it. */
export function makeExecution(context: PipelineContext): ExecutionContext {
  return { switchToRpc: () => ({ getContext: () => context }) } as unknown as ExecutionContext
}

/** The context of a batch of deliveries: no task's. */
export function makeIntakeContext(): PipelineContext {
  return {
    transport: 'kafka',
    subject: { topic: 'llm.tasks', partition: 0 },
    traceparent: null,
    correlationId: null,
    deadlineMs: null,
    signal: new AbortController().signal,
    receivedAtMs: 0,
  }
}
