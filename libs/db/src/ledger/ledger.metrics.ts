import { makeCounterProvider, makeGaugeProvider } from '@willsoto/nestjs-prometheus'

export const LEDGER_TASKS = 'sluice_ledger_tasks'
export const LEDGER_RUNS = 'sluice_ledger_runs'
export const LEDGER_LIMIT = 'sluice_ledger_tasks_limit'
export const LEDGER_BYTES = 'sluice_ledger_bytes'
export const OLDEST_DUE = 'sluice_ledger_oldest_due_seconds'
export const OUTBOX = 'sluice_outbox_messages'
export const OUTBOX_OLDEST = 'sluice_outbox_oldest_seconds'
export const INTAKE_OPEN = 'sluice_intake_open'
export const LEASES_REAPED = 'sluice_leases_reaped_total'
export const RECOVERED_TASKS = 'sluice_recovered_tasks_total'
export const RECOVERED_MAYBE_PAID = 'sluice_recovered_maybe_paid_total'

export const ledgerMetrics = [
  makeGaugeProvider({
    name: LEDGER_TASKS,
    help: 'Unfinished tasks of all replicas, by state: pending are due, deferred have a later time. Every replica tells of all: take the maximum.',
    labelNames: ['state'],
  }),
  makeGaugeProvider({
    name: LEDGER_RUNS,
    help: 'Runs since the ledger was made, by event: accepted and redriven were opened, succeeded, failed, cancelled and expired have ended; rejected are records that are no tasks. Opened is ended and in hand, at every moment. Every replica tells of all: take the maximum.',
    labelNames: ['event'],
  }),
  makeGaugeProvider({ name: LEDGER_LIMIT, help: 'At so many tasks of a state intake pauses.', labelNames: ['state'] }),
  makeGaugeProvider({ name: LEDGER_BYTES, help: 'Bytes of the messages of pending and deferred tasks of all replicas.' }),
  makeGaugeProvider({
    name: OLDEST_DUE,
    help: 'How long the task that has been due for longest waits, over all replicas; 0 where none is due.',
  }),
  makeGaugeProvider({ name: OUTBOX, help: 'Results and dead letters of all replicas that Kafka has not taken yet.' }),
  makeGaugeProvider({ name: OUTBOX_OLDEST, help: 'Age of the oldest of them.' }),
  makeGaugeProvider({ name: INTAKE_OPEN, help: '1 while this replica may take tasks in.' }),
  makeCounterProvider({ name: LEASES_REAPED, help: 'Times that this replica has freed the tasks of dead workers.' }),
  makeCounterProvider({ name: RECOVERED_TASKS, help: 'Tasks of dead workers that this replica has freed.' }),
  makeCounterProvider({ name: RECOVERED_MAYBE_PAID, help: 'Calls of dead workers that were under way, and may have been paid for.' }),
]
