import { createPublicKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'

/** Certificates for tests, made on the spot: no keys in the repository, no openssl on the machine. Just enough of DER and X.509. */
export interface Identity {
  readonly name: string
  readonly key: KeyObject
  /** PEM. */
  readonly keyPem: string
  readonly certPem: string
}

interface IdentityOptions {
  /** undefined: signs itself. */
  readonly issuer?: Identity
  /** May sign others. */
  readonly authority?: boolean
  readonly notAfter?: Date
}

const DAY_MS = 86_400_000
const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'))

/** For 127.0.0.1 and localhost. */
export function makeIdentity(
  name: string,
  { issuer, authority = false, notAfter = new Date(Date.now() + DAY_MS) }: IdentityOptions = {},
): Identity {
  const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const toBeSigned = sequence(
    tagged(0xa0, integer(Buffer.of(2))),
    integer(Buffer.concat([Buffer.of(1), randomBytes(8)])),
    ECDSA_WITH_SHA256,
    distinguishedName(issuer?.name ?? name),
    sequence(time(new Date(Date.now() - 2 * DAY_MS)), time(notAfter)),
    distinguishedName(name),
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(basicConstraints(authority), subjectAltName())),
  )
  const signature = sign('sha256', toBeSigned, issuer?.key ?? key)
  const certificate = sequence(toBeSigned, ECDSA_WITH_SHA256, bitString(signature))
  return { name, key, keyPem: key.export({ type: 'pkcs8', format: 'pem' }).toString(), certPem: pem('CERTIFICATE', certificate) }
}

function distinguishedName(name: string): Buffer {
  return sequence(tagged(0x31, sequence(oid('550403'), tagged(0x0c, Buffer.from(name)))))
}

function basicConstraints(authority: boolean): Buffer {
  const value = authority ? sequence(tagged(0x01, Buffer.of(0xff))) : sequence()
  return sequence(oid('551d13'), tagged(0x04, value))
}

function subjectAltName(): Buffer {
  const names = sequence(tagged(0x82, Buffer.from('localhost')), tagged(0x87, Buffer.of(127, 0, 0, 1)))
  return sequence(oid('551d11'), tagged(0x04, names))
}

function time(date: Date): Buffer {
  const text = date.toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  return tagged(0x18, Buffer.from(text))
}

function integer(value: Buffer): Buffer {
  return tagged(0x02, value)
}

function bitString(value: Buffer): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.of(0), value]))
}

function oid(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, 'hex'))
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts))
}

function tagged(tag: number, value: Buffer): Buffer {
  const { length } = value
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.of(tag, ...size), value])
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
