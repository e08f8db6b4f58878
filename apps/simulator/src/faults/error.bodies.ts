/** The documented text of each status. */
const MESSAGES: Readonly<Record<number, string>> = {
  400: 'Your request contains invalid JSON syntax.',
  401: 'Token has expired',
  402: 'Payment Required',
  403: 'Permission denied',
  404: 'No such model',
  413: 'Payload too large',
  422: 'Unprocessable Entity',
  423: 'Model is temporarily unavailable due to technical reasons',
  429: 'Too many requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

export function messageOfStatus(status: number): string {
  return MESSAGES[status] ?? 'Error'
}

/** What the front end answers by itself, as nginx writes it. */
export function htmlOfStatus(status: number): string {
  const title = `${status} ${messageOfStatus(status)}`
  return `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`
}
