const EVERYWHERE = ['0.0.0.0', '::', '']

/** Where the service of this container says that it is alive. */
export function healthUrl({ HTTP_HOST = '', HTTP_PORT = '' }: NodeJS.ProcessEnv): string {
  const host = EVERYWHERE.includes(HTTP_HOST) ? '127.0.0.1' : HTTP_HOST
  return `http://${host.includes(':') ? `[${host}]` : host}:${HTTP_PORT || '8080'}/health/live`
}
