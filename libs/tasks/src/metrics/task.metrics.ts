import { makeCounterProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus'
import { makeExemplarHistogramProvider } from '#libs/metrics'

export const DELIVERIES = 'sluice_deliveries_total'
export const TASKS_ACCEPTED = 'sluice_tasks_accepted_total'
export const REJECTIONS = 'sluice_rejections_total'
export const TASKS_FINISHED = 'sluice_tasks_finished_total'
export const TASKS_DEFERRED = 'sluice_tasks_deferred_total'
export const TASKS_HELD = 'sluice_tasks_held_total'
export const DEAD_LETTERS = 'sluice_dead_letters_total'
export const TASK_DURATION = 'sluice_task_duration_seconds'
export const TASK_STEP = 'sluice_task_step_duration_seconds'
export const TASK_WAIT = 'sluice_task_wait_seconds'

/** From a task that is done at once to one that waits for a day. */
const LIFE_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200, 43_200, 86_400]
const STEP_SECONDS = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 150]

export const taskMetrics = [
  makeCounterProvider({
    name: DELIVERIES,
    help: 'Records of Kafka that are in the ledger, by what they were taken for (accepted, duplicate, rejected).',
    labelNames: ['result'],
  }),
  makeCounterProvider({ name: TASKS_ACCEPTED, help: 'Tasks that this replica has accepted, by type.', labelNames: ['type'] }),
  makeCounterProvider({
    name: REJECTIONS,
    help: 'Records that are no tasks, by error code; each has a dead letter.',
    labelNames: ['code'],
  }),
  makeCounterProvider({
    name: TASKS_FINISHED,
    help: 'Runs that this replica has ended, by type, outcome and error code (none where it succeeded).',
    labelNames: ['type', 'outcome', 'code'],
  }),
  makeCounterProvider({
    name: TASKS_DEFERRED,
    help: 'Times that a task was put off, by type, what it waits for and error code.',
    labelNames: ['type', 'class', 'code'],
  }),
  makeCounterProvider({
    name: TASKS_HELD,
    help: 'Tasks that were held for an operator, by type and error code.',
    labelNames: ['type', 'code'],
  }),
  makeCounterProvider({
    name: DEAD_LETTERS,
    help: 'Dead letters that were written, by kind (rejected, failed) and error code.',
    labelNames: ['kind', 'code'],
  }),
  makeExemplarHistogramProvider({
    name: TASK_DURATION,
    help: 'From when a task was accepted to the end of its run, by type and outcome.',
    labelNames: ['type', 'outcome'],
    buckets: LIFE_SECONDS,
  }),
  makeHistogramProvider({
    name: TASK_STEP,
    help: 'Time of a dispatch by step: prepare (files, prompt), admit (waiting for a stream), call, record (the answer), judge (schema, large answer to S3), store (the outcome).',
    labelNames: ['step'],
    buckets: STEP_SECONDS,
  }),
  makeHistogramProvider({
    name: TASK_WAIT,
    help: 'From when a task was due to its claim, by what it had waited for before (turn: nothing but its turn).',
    labelNames: ['reason'],
    buckets: LIFE_SECONDS,
  }),
]
