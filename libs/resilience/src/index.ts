export { makePortPolicy, PortPolicy, type GiveUpEvent, type PortPolicyOptions, type RetryEvent } from './port-policy.js'
export { rejectOnAbort } from './reject-on-abort.js'
export type { RetrySettings } from './retry-settings.js'
