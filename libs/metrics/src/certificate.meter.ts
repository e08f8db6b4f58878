import { X509Certificate } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { InjectMetric, makeGaugeProvider } from '@willsoto/nestjs-prometheus'
import type { Gauge } from 'prom-client'

export const CERTIFICATE_EXPIRY = 'sluice_certificate_expiry_timestamp_seconds'

export const certificateMetric = makeGaugeProvider({
  name: CERTIFICATE_EXPIRY,
  help: 'When a certificate that the settings name ends, in seconds since 1970; of a bundle the one that ends last.',
  labelNames: ['target'],
})

const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** Shows when certificates end, so that somebody can be told before. */
@Injectable()
export class CertificateMeter {
  constructor(@InjectMetric(CERTIFICATE_EXPIRY) private readonly expiry: Gauge<'target'>) {}

  /**
   * `target` is for people and a label: `gigachat client`. Of a bundle of roots the last end counts: old ones stay in it for years. Does nothing
   * without certificates; those that cannot be read are the settings' to refuse.
   */
  show(target: string, pem: string | undefined): void {
    const ends = (pem?.match(PEM_BLOCK) ?? []).map((block) => Date.parse(new X509Certificate(block).validTo))
    if (ends.length > 0) this.expiry.set({ target }, Math.max(...ends) / 1_000)
  }
}
