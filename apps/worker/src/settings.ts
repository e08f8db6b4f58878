import { adminHttpSettings } from '#libs/admin'
import { admissionSettings } from '#libs/admission'
import { dbSettings } from '#libs/db'
import { httpSettings } from '#libs/health'
import { llmSettings, promptsSettings } from '#libs/llm'
import { loggingSettings } from '#libs/logging'
import { ledgerTransportSettings, queueSettings } from '#libs/queue'
import { storageSettings } from '#libs/storage'
import { tracingSettings } from '#libs/tracing'
import { cpuSettings } from '#libs/resilience'
import { deferralSettings, messageSettings, runSettings, taskTypesSettings } from '#libs/tasks'

/** Every section of the worker's settings, each owned by its library. */
export const WORKER_SETTINGS = [
  httpSettings,
  adminHttpSettings,
  loggingSettings,
  tracingSettings,
  queueSettings,
  ledgerTransportSettings,
  dbSettings,
  admissionSettings,
  storageSettings,
  llmSettings,
  promptsSettings,
  messageSettings,
  taskTypesSettings,
  runSettings,
  deferralSettings,
  cpuSettings,
]
