import { Injectable, Logger } from '@nestjs/common'
import type { ErrorCode, Outcome } from '#libs/contracts'
import { makeResultEventId } from '#libs/contracts'
import { classifyError, Clock, Ledger, TaskError, type ClaimedTask, type TaskContext } from '#libs/kernel'
import { MessageParser } from '../intake/message-parser.js'
import { OutboxRelay } from '../outbox/outbox.relay.js'
import type { RunFacts, RunOutput, Verdict } from '../pipeline/verdict.js'
import { estimateEndBytes } from './estimate-end-bytes.js'
import { makeDeadLetter, makeFingerprint, makeResultEvent, type EndedRun } from './result-event.js'

/** What the dispatch of a task ends with: for its transport and for tests. */
export interface StoredOutcome {
  readonly outcome: Verdict['outcome']
  readonly code?: ErrorCode
}

/**
 * Writes down what became of a task. Idempotent by the task's lease: a second call for the same claim is fenced and changes nothing. A
 * message that belongs to the end is published from here; if that fails, the outbox has it.
 */
@Injectable()
export class OutcomeStore {
  private readonly logger = new Logger(OutcomeStore.name)

  constructor(
    private readonly ledger: Ledger,
    private readonly relay: OutboxRelay,
    private readonly parser: MessageParser,
    private readonly clock: Clock,
  ) {}

  /**
   * What the ledger does not take because of its values (a defect, or an answer that nobody foresaw) ends the run as failed: otherwise the
   * task would stay ours and `running` for as long as this replica lives.
   */
  async store(context: TaskContext, verdict: Verdict): Promise<StoredOutcome> {
    try {
      return await this.storeVerdict(context, verdict)
    } catch (thrown) {
      const error = classifyError(thrown)
      if (error.code !== 'internal') throw error
      this.logger.error('an outcome could not be stored as it is: the run ends as failed', { error, outcome: verdict.outcome })
      return this.finish(context, { outcome: 'failed', error: makeUnstorableError(verdict, thrown), facts: {} })
    }
  }

  private async storeVerdict(context: TaskContext, verdict: Verdict): Promise<StoredOutcome> {
    const { task, progress } = context
    context.bookEnd()
    switch (verdict.outcome) {
      case 'gone':
        return { outcome: 'gone' }
      case 'deferred': {
        const { delayMs, reason, deferralClass, countsAttempt, code } = verdict
        const result = await this.ledger.defer({ task, delayMs, reason, deferralClass, countsAttempt, ...progress })
        return this.report(result === 'done', { outcome: 'deferred', code })
      }
      case 'held': {
        const result = await this.ledger.hold(task, verdict.reason, progress)
        return this.report(result === 'done', { outcome: 'held', code: verdict.code })
      }
      case 'succeeded':
        return this.finish(context, verdict)
      case 'failed':
      case 'expired':
        return this.finish(context, verdict)
    }
  }

  private async finish(
    context: TaskContext,
    verdict: { outcome: Exclude<Outcome, 'cancelled'>; facts: RunFacts; output?: RunOutput; error?: TaskError },
  ): Promise<StoredOutcome> {
    const { task, attempts, traceparent, promptVersion } = context
    const { outcome, output, error } = verdict
    const eventId = makeResultEventId(task.tenant, task.taskId, task.run)
    const facts: RunFacts = {
      // What ended before there was an answer tells its template and its producer's metadata too.
      ...(promptVersion !== undefined && { promptVersion }),
      ...(outcome !== 'succeeded' && this.readMetadata(task)),
      ...verdict.facts,
    }
    const run: EndedRun = {
      eventId,
      task,
      outcome,
      facts,
      attempts,
      traceparent,
      claimedAtMs: context.receivedAtMs,
      finishedAtMs: this.clock.nowMs(),
      ...(output && { output }),
      ...(error && { error }),
    }
    const deadLetter = outcome === 'failed' && error ? makeDeadLetter({ ...run, error }) : undefined
    const result = await this.ledger.finish({
      task,
      outcome,
      attempts,
      ...(context.attemptEnd && { attemptEnd: context.attemptEnd }),
      ...(error && {
        error: { code: error.code, message: error.message, retryable: error.retryable, fingerprint: makeFingerprint(error, task.type) },
      }),
      ...(facts.answer && { model: facts.answer.model, finishReason: facts.answer.finishReason }),
      ...(facts.answer?.usage && { usage: facts.answer.usage }),
      ...(facts.promptVersion !== undefined && { promptVersion: facts.promptVersion }),
      ...(output?.outputRef && { outputRef: output.outputRef }),
      resultEventId: eventId,
      makeResultEvent: (keySequence) => makeResultEvent(run, keySequence),
      ...(deadLetter && { deadLetter }),
      sizeBytes: estimateEndBytes(run, deadLetter),
    })
    if (result.kind === 'finished') this.relay.publish(result.outbox)
    return this.report(result.kind === 'finished', { outcome, ...(error && { code: error.code }) })
  }

  private readMetadata({ payload }: ClaimedTask): Pick<RunFacts, 'metadata'> {
    const metadata = this.parser.parseStored(payload).message?.metadata
    return metadata ? { metadata } : {}
  }

  private report(stored: boolean, outcome: StoredOutcome): StoredOutcome {
    if (stored) return outcome
    this.logger.warn('the task had gone to another worker, so its outcome was not stored', { outcome: outcome.outcome })
    return { outcome: 'gone' }
  }
}

function makeUnstorableError(verdict: Verdict, cause: unknown): TaskError {
  return new TaskError('internal', `the outcome (${verdict.outcome}) could not be stored`, { retryable: false, cause })
}
