export { startToxiproxy, type ToxiproxyOptions } from './start-toxiproxy.js'
export { ToxiproxyServer } from './toxiproxy.server.js'
export { ToxicProxy } from './toxic.proxy.js'
export type { Toxic } from './toxic.js'
