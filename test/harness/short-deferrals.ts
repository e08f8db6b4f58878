const CLASSES = [
  'RATE_LIMITED',
  'PROVIDER_DOWN',
  'PROVIDER_ERROR',
  'BAD_ANSWER',
  'PAYMENT',
  'AUTH',
  'STORAGE_DOWN',
  'LEDGER_DOWN',
  'ROLLOUT',
  'INTERNAL',
]

/** Settings of workers whose tasks wait for moments where they would wait for minutes: a test does not have hours. */
export const SHORT_DEFERRALS: Readonly<Record<string, string>> = Object.fromEntries(
  CLASSES.map((name) => [`DEFERRAL_${name}_MS`, '100,250,1000']),
)
