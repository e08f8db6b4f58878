import { Test } from '@nestjs/testing'
import { register } from 'prom-client'
import { beforeEach, describe, expect, it } from 'vitest'
import { rootCertificates } from 'node:tls'
import { X509Certificate } from 'node:crypto'
import { CertificateMeter, certificateMetric } from './certificate.meter.js'

beforeEach(() => register.clear())

const create = async () =>
  (await Test.createTestingModule({ providers: [certificateMetric, CertificateMeter] }).compile()).get(CertificateMeter)

describe(CertificateMeter.name, () => {
  it('shows the last end of what a text holds', async () => {
    const meter = await create()
    const [first, second] = rootCertificates
    meter.show('gigachat roots', `${first}\n${second}\n`)
    const last = Math.max(...[first, second].map((pem) => Date.parse(new X509Certificate(pem!).validTo))) / 1_000
    expect(await register.metrics()).toContain(`sluice_certificate_expiry_timestamp_seconds{target="gigachat roots"} ${last}`)
  })

  it('shows nothing where there is no certificate', async () => {
    const meter = await create()
    meter.show('kafka client', undefined)
    meter.show('kafka roots', 'a text')
    expect(await register.metrics()).not.toContain('{target=')
  })
})
