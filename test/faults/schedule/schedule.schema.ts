import { z } from 'zod'
import { HOSTILE_NAMES } from '../scene/hostile.records.js'

const milliseconds = z.int().min(0)

const common = {
  /** The step begins when this share of the tasks is done. */
  at: z.number().min(0).max(1),
  /** How long the fault lasts; what ends by itself has 0. */
  forMs: milliseconds.default(0),
  /** From when on recovery is measured: the end of the fault, or its start where the service shall overcome it while it lasts. */
  recoveryFrom: z.enum(['start', 'end']).default('end'),
}

/** What is behind a proxy. */
const link = z.enum(['kafka', 'postgres', 's3', 'llm'])

export const stepSchema = z.discriminatedUnion('fault', [
  /** Connections that are there stay and carry nothing any more; new ones are healthy. */
  z.strictObject({ ...common, fault: z.literal('half_open'), target: link }),
  /** Every connection is reset, new ones too. */
  z.strictObject({ ...common, fault: z.literal('reset'), target: link }),
  /** Connections are closed and new ones refused. */
  z.strictObject({ ...common, fault: z.literal('refuse'), target: link }),
  /** Connections are accepted, and nothing is ever answered. */
  z.strictObject({ ...common, fault: z.literal('hang'), target: link }),
  z.strictObject({ ...common, fault: z.literal('slow'), target: link, latencyMs: milliseconds, jitterMs: milliseconds.default(0) }),
  /** SIGKILL, and a new start after `forMs`. */
  z.strictObject({ ...common, fault: z.literal('kill'), target: z.enum(['kafka', 'postgres', 's3', 'worker']) }),
  /** An orderly stop, and a new start after `forMs`. */
  z.strictObject({ ...common, fault: z.literal('stop'), target: z.enum(['kafka', 'postgres', 's3', 'worker']) }),
  /** S3 refuses everything in this way. */
  z.strictObject({
    ...common,
    fault: z.literal('refusals'),
    target: z.literal('s3'),
    status: z.int().min(400).max(599),
    code: z.string().min(1),
    retryAfter: z.string().optional(),
  }),
  /** Statements on a session of the ledger's database that stays open meanwhile. */
  z.strictObject({
    ...common,
    fault: z.literal('statements'),
    target: z.literal('postgres'),
    begin: z.array(z.string().min(1)).min(1),
    end: z.array(z.string().min(1)),
  }),
  /** All connections of PostgreSQL are taken. */
  z.strictObject({ ...common, fault: z.literal('crowd'), target: z.literal('postgres') }),
  /** The largest record that the results topic takes. */
  z.strictObject({ ...common, fault: z.literal('record_limit'), target: z.literal('kafka'), bytes: z.int().min(1) }),
  /** One worker more comes and goes, so many times. */
  z.strictObject({ ...common, fault: z.literal('churn'), target: z.literal('worker'), times: z.int().min(1) }),
  /** SIGSTOP, and SIGCONT after `forMs`. */
  z.strictObject({ ...common, fault: z.literal('freeze'), target: z.literal('worker') }),
  /** Every worker in turn is stopped in order and replaced by a new one. */
  z.strictObject({ ...common, fault: z.literal('roll'), target: z.literal('worker') }),
  /** The simulator's fault rules, as its control API takes them; only for this schedule's calls. */
  z.strictObject({
    ...common,
    fault: z.literal('answer'),
    target: z.literal('llm'),
    rules: z.array(z.record(z.string(), z.unknown())).min(1),
  }),
  /** Failpoints of one worker (failpoint.spec.ts). One that kills ends the step when the worker is dead; `forMs` later there is a new one. */
  z.strictObject({ ...common, fault: z.literal('failpoints'), target: z.literal('worker'), points: z.string().min(1) }),
  /** Crafted records on the tasks topic. */
  z.strictObject({ ...common, fault: z.literal('send'), target: z.literal('kafka'), records: z.array(z.enum(HOSTILE_NAMES)).min(1) }),
])

export const scheduleSchema = z.strictObject({
  /** Of the matrix, such as P3; a letter may follow. */
  row: z.string().regex(/^[A-Z]\d+[a-z]?$/),
  title: z.string().min(1),
  seed: z.int().min(1),
  /** Records that are sent; some of them are repeats or broken on purpose. */
  tasks: z.int().min(20).max(100_000),
  perSecond: z.number().positive().default(40),
  replicas: z.int().min(1).max(4).default(1),
  /** Settings of the workers. */
  env: z.record(z.string(), z.string()).default({}),
  /** Of Node, for the workers. */
  nodeFlags: z.array(z.string()).default([]),
  /** The simulator's fault rules that hold during the whole run. */
  rules: z.array(z.record(z.string(), z.unknown())).default([]),
  steps: z.array(stepSchema).min(1),
  /** I13: a task that is sent when the fault is over has its result in this time. */
  recoveryMs: milliseconds,
  /** I13: whether the rate of results is back within a minute: `due` fails where the run is too short to tell. */
  throughput: z.enum(['due', 'where_seen']).default('where_seen'),
  /** I19: whether tasks that the fault does not touch must go on while it lasts; for one step during which records are sent. */
  others: z.enum(['move', 'any']).default('any'),
  /** I14, while the fault lasts: a worker says that it is not ready, none says so, or it does not matter. */
  readiness: z.enum(['off', 'on', 'any']).default('any'),
  /** I6: which calls may end as maybe paid: none, those that a killed worker had open, or any. */
  maybePaid: z.enum(['none', 'killed', 'any']).default('none'),
  /** Why this schedule fails for now; it then counts as failed only where it holds. */
  knownToFail: z.string().optional(),
})

export type Step = z.output<typeof stepSchema>
export type Schedule = z.output<typeof scheduleSchema>
