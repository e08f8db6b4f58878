export { InvalidRequestError } from './invalid-request.error.js'
export { TaskOperator, type TaskOrder } from './task.operator.js'
export type { OperationReport, RefusedTask, TaskName, TaskSelection } from './task-selection.js'
