import { makeGaugeProvider } from '@willsoto/nestjs-prometheus'

export const ANSWERS_WAITING = 'sluice_answers_waiting'
export const ANSWERS_WAITING_BYTES = 'sluice_answers_waiting_bytes'
export const ANSWERS_SPOOLED = 'sluice_answers_spooled'
export const ANSWERS_SPOOLED_BYTES = 'sluice_answers_spooled_bytes'

export const answerMetrics = [
  makeGaugeProvider({ name: ANSWERS_WAITING, help: 'Received answers that PostgreSQL has not taken yet.' }),
  makeGaugeProvider({ name: ANSWERS_WAITING_BYTES, help: 'Bytes of received answers that PostgreSQL has not taken yet.' }),
  makeGaugeProvider({ name: ANSWERS_SPOOLED, help: 'Waiting answers that are on the disk of this replica as well.' }),
  makeGaugeProvider({ name: ANSWERS_SPOOLED_BYTES, help: 'Size of the spool file of this replica.' }),
]
