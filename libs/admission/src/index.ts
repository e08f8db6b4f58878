export { AdmissionModule } from './admission.module.js'
export { LocalStreamGate } from './local-stream-gate.js'
