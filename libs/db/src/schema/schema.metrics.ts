import { makeGaugeProvider } from '@willsoto/nestjs-prometheus'

export const SCHEMA_VERSION = 'sluice_ledger_schema_version'

export const schemaMetrics = [
  makeGaugeProvider({ name: SCHEMA_VERSION, help: 'The newest migration of the ledger, as readiness has last seen it.' }),
]
