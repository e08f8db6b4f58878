export { ERROR_CODES, type ErrorCode } from './error-codes.js'
export { makeDeadLetterEventId, makeRejectionEventId, makeResultEventId } from './event-id.js'
export type {
  DeadLetterEvent,
  DeadLetterSource,
  EventError,
  ObjectReference,
  Outcome,
  ResultEvent,
  ResultTimings,
  TokenUsage,
} from './events.js'
export { HEADERS } from './headers.js'
export { originalReferenceSchema, type OriginalReference } from './original-reference.schema.js'
export {
  modelParamsSchema,
  TASK_LIMITS,
  taskMessageSchema,
  type ChatMessage,
  type ModelParams,
  type TaskFile,
  type TaskMessage,
} from './task-message.schema.js'
