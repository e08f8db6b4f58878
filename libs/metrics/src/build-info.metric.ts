import { makeGaugeProvider } from '@willsoto/nestjs-prometheus'

export const BUILD_INFO = 'sluice_build_info'

export const buildInfoMetric = makeGaugeProvider({
  name: BUILD_INFO,
  help: 'Always 1; its labels say which build is running.',
  labelNames: ['service', 'version', 'node_version'],
})
