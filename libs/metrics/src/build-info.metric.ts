import { makeGaugeProvider } from '@willsoto/nestjs-prometheus'

export const BUILD_INFO = 'sluice_build_info'

export const SETTINGS_VERSION = 'sluice_settings_version'

export const settingsVersionMetric = makeGaugeProvider({
  name: SETTINGS_VERSION,
  help: 'The version of the settings that this replica starts new tasks with.',
})

export const buildInfoMetric = makeGaugeProvider({
  name: BUILD_INFO,
  help: 'Always 1; its labels say which build is running.',
  labelNames: ['service', 'version', 'node_version'],
})
