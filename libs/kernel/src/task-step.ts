/** What a dispatch of a task spends its time on, in this order. A closed list: it is a label. */
export const TASK_STEPS = ['prepare', 'admit', 'call', 'record', 'judge', 'store'] as const
export type TaskStep = (typeof TASK_STEPS)[number]
