import tls from 'node:tls'

/** PEM texts, not paths. */
export interface TlsFiles {
  readonly caBundle?: string
  readonly cert?: string
  readonly key?: string
  readonly keyPassword?: string
  readonly verify: boolean
}

/**
 * Made once for all connections: parsing the roots takes longer than a handshake. Throws what OpenSSL throws on bad PEM texts.
 */
export function secureContextOf({ caBundle, cert, key, keyPassword }: TlsFiles): tls.SecureContext {
  return tls.createSecureContext({
    // `ca` replaces the defaults, NODE_EXTRA_CA_CERTS included.
    ...(caBundle !== undefined && { ca: [...defaultAuthorities(), caBundle] }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(keyPassword !== undefined && { passphrase: keyPassword }),
  })
}

function defaultAuthorities(): readonly string[] {
  const since22: { getCACertificates?(type: 'default'): string[] } = tls
  return since22.getCACertificates?.('default') ?? tls.rootCertificates
}
