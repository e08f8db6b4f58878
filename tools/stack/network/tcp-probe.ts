import { connect } from 'node:net'

/** Resolves when somebody listens there; the error names the address otherwise. */
export async function probeTcp(host: string, port: number, limitMs = 3_000): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host, port, timeout: limitMs })
    const fail = (reason: string) => {
      socket.destroy()
      reject(new Error(`${host}:${port} does not answer: ${reason}`))
    }
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
    socket.once('timeout', () => fail(`no connection within ${limitMs} ms`))
    socket.once('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message))
  })
}
