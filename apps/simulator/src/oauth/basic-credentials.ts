export interface ClientPair {
  readonly clientId: string
  readonly clientSecret: string
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/** The authorization key is base64 of `client_id:client_secret`. */
export function parseBasicCredentials(authorization: string | undefined, bearerAllowed: boolean): ClientPair | undefined {
  const [scheme, key] = (authorization ?? '').split(' ')
  const schemeFits = scheme === 'Basic' || (bearerAllowed && scheme === 'Bearer')
  if (!schemeFits || key === undefined || !BASE64.test(key)) return undefined
  const text = Buffer.from(key, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon > 0 ? { clientId: text.slice(0, colon), clientSecret: text.slice(colon + 1) } : undefined
}
