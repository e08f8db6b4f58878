import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { CONTROL_PREFIX } from './control/control.handler.js'
import { makeRequestHandler } from './http/request.handler.js'
import type { SettingsPatch } from './settings.schema.js'
import { Simulation } from './simulation.js'
import { makeRouter } from './simulator.routes.js'

export interface TlsFiles {
  readonly cert: string
  readonly key: string
  /** Clients then need a certificate of this authority, and no token. */
  readonly clientCa?: string | undefined
}

export interface SimulatorOptions {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 0: any free port. */
  readonly port?: number
  /** PEM texts; without them plain HTTP. */
  readonly tls?: TlsFiles
  readonly settings?: SettingsPatch
}

export interface RunningSimulator {
  /** Origin, without a trailing slash. */
  readonly url: string
  readonly controlUrl: string
  readonly simulation: Simulation
  /** Cuts what is in flight. A second call does nothing. */
  close(): Promise<void>
}

/** The server's keep-alive time-out, which it also tells: `Keep-Alive: timeout=15`. */
const KEEP_ALIVE_MS = 15_000

export async function startSimulator(options: SimulatorOptions = {}): Promise<RunningSimulator> {
  const simulation = new Simulation(options.settings ?? {})
  const server = createServer(options, makeRequestHandler(simulation, makeRouter()))
  server.listen({ host: options.host ?? '127.0.0.1', port: options.port ?? 0, backlog: 4096 })
  await once(server, 'listening')
  const { address, port, family } = server.address() as AddressInfo
  const url = `${options.tls === undefined ? 'http' : 'https'}://${family === 'IPv6' ? `[${address}]` : address}:${port}`
  return {
    url,
    controlUrl: url + CONTROL_PREFIX,
    simulation,
    close: async () => {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function createServer({ tls }: SimulatorOptions, listener: RequestListener): Server {
  const limits = { keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 }
  return tls === undefined
    ? createHttpServer(limits, listener)
    : createHttpsServer({ ...limits, cert: tls.cert, key: tls.key, ...clientCertificates(tls) }, listener)
}

function clientCertificates({ clientCa }: TlsFiles): { ca?: string; requestCert?: true } {
  return clientCa === undefined ? {} : { ca: clientCa, requestCert: true }
}
