export { estimateMessageTokens, estimateTokens } from './estimate-tokens.js'
export { classifyError, describeCauses } from './classify-error.js'
export { DEFERRAL_CLASSES, type DeferralClass, type DeferralSchedules, type ScheduledClass } from './deferral-class.js'
export { Clock, SystemClock } from './clock.js'
export type { Delivery, DeliveryBatch, RecordPosition, UnreadRecords } from './delivery.js'
export type { PipelineContext, PipelineSubject } from './pipeline-context.js'
export { handleOnce, PipelineStep } from './pipeline-step.js'
export { GroupCommit, type GroupCommitOptions } from './group-commit.js'
export { makeLaneKey, type Lane } from './lane.js'
export { Admission, type AttemptUsage, type CallEnd, type ClaimRoom, type LaneRoom, type StreamUse } from './ports/admission.port.js'
export {
  AdmissionStore,
  type BalanceResult,
  type GateDecision,
  type GateDemand,
  type GateShare,
  type GateState,
  type Route,
  type RouteFailure,
  type RouteState,
  type RouteStatus,
  type StreamGrant,
} from './ports/admission-store.port.js'
export {
  DeadLetters,
  type DeadLetterFilter,
  type DeadLetterGroup,
  type FailedAnswer,
  type FailedAttempt,
  type FailedRun,
  type FailedTask,
  type RejectedRecord,
} from './ports/dead-letters.port.js'
export { FileStore, type FileRequest, type FileText } from './ports/file-store.port.js'
export { IntakeGate, type IntakeState } from './ports/intake-gate.port.js'
export { LaneGates, type GateReading } from './ports/lane-gates.port.js'
export {
  Ledger,
  type Deferral,
  type FinishResult,
  type InstantClaimer,
  type NextAttempt,
  type OutboxMessage,
  type RunEnd,
  type TaskProgress,
  type TransitionResult,
} from './ports/ledger.port.js'
export { LimitReads, type GateUse, type LaneCalls, type LimitFacts, type LimitKeys, type WaitingLane } from './ports/limit-reads.port.js'
export { FIRST_SETTINGS_VERSION } from './settings-version.js'
export { TASK_STEPS, type TaskStep } from './task-step.js'
export { AuditLog, type AuditEntry } from './ports/audit-log.port.js'
export { CallObserver, type CallReport } from './ports/call-observer.port.js'
export { LlmClient, LlmClients, type LlmAnswer, type LlmCall, type SendResult } from './ports/llm-client.port.js'
export type {
  Admitted,
  AttemptUse,
  Booked,
  Booking,
  MeterCandidate,
  MeterChange,
  Metering,
  MeterKey,
  MeterLevel,
  MeterRefusal,
  Reservation,
} from './ports/metering.port.js'
export { OutputChecker, PromptRenderer, type RenderedPrompt } from './ports/prompt-renderer.port.js'
export {
  Redrives,
  type RedriveCandidate,
  type RedriveLimits,
  type RedriveOrder,
  type RedrivePlan,
  type RedriveProgress,
  type RedriveRefusal,
  type RedriveScope,
  type RedriveState,
  type RedriveStatus,
} from './ports/redrives.port.js'
export { ResultPublisher } from './ports/result-publisher.port.js'
export {
  TaskOperations,
  type CancelledEnd,
  type CancelledTask,
  type Change,
  type NamedTask,
  type TaskFilter,
  type UnfinishedState,
  type UnfinishedTask,
} from './ports/task-operations.port.js'
export {
  TaskWaits,
  type DueBefore,
  type EndedRun,
  type FoundWait,
  type KeyHead,
  type LastAttempt,
  type LeaseFacts,
  type WaitFacts,
  type WaitingTask,
} from './ports/task-waits.port.js'
export { WorkerLease } from './ports/worker-lease.port.js'
export { TaskTypes, type MaybePaidPolicy, type TaskType, type TenantRules } from './task-type.js'
export { TaskClaim, type TaskWork } from './task-claim.js'
export { TaskContext, type TaskContextOptions } from './task-context.js'
export { TaskError } from './task.error.js'
export type { AcceptResult, AttemptEnd, ClaimedTask, KeptAnswer, NewTask, OpenAttempt, RawAnswer, Rejection, StoredAnswer } from './task.js'
export { DELIVERIES_PATTERN, KAFKA_TRANSPORT, LEDGER_TRANSPORT, TASK_PATTERN } from './transports.js'
export { UnusedAnswers, type UnusedAnswer, type UnusedAnswerQuery } from './ports/unused-answers.port.js'
