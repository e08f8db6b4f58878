import { createHash } from 'node:crypto'
import { Client } from 'minio'
import type { ObjectReference } from '#libs/contracts'
import type { S3Address } from '#tools/stack'
import type { DemoText } from './demo.texts.js'

/** The smallest PNG there is: one transparent pixel. */
const PICTURE = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==', 'base64')

/** The bucket as a user of the service sees it. */
export class DemoBucket {
  private readonly client: Client

  constructor(
    { endpoint, accessKey, secretKey }: S3Address,
    private readonly bucket: string,
  ) {
    const url = new URL(endpoint)
    const useSSL = url.protocol === 'https:'
    this.client = new Client({
      endPoint: url.hostname,
      port: Number(url.port) || (useSSL ? 443 : 80),
      useSSL,
      accessKey,
      secretKey,
      region: 'us-east-1',
    })
  }

  /** Puts the files under the tenant's prefix, and a picture beside them. Returns their texts by key. */
  async fill(prefix: string, files: readonly DemoText[]): Promise<Map<string, string>> {
    if (!(await this.client.bucketExists(this.bucket))) await this.client.makeBucket(this.bucket)
    const keys = files.map(({ name, text }) => [`inputs/${prefix}/${name}`, text] as const)
    await Promise.all(
      keys.map(([key, text]) => this.client.putObject(this.bucket, key, text, undefined, { 'Content-Type': 'text/plain; charset=utf-8' })),
    )
    await this.client.putObject(this.bucket, `inputs/${prefix}/picture.png`, PICTURE, undefined, { 'Content-Type': 'image/png' })
    return new Map(keys)
  }

  /** Throws where the object is not what its reference says. */
  async read({ bucket, key, sha256, size }: ObjectReference): Promise<string> {
    const chunks: Buffer[] = []
    for await (const chunk of await this.client.getObject(bucket, key)) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const hash = createHash('sha256').update(body).digest('hex')
    if (body.length !== size || hash !== sha256) throw new Error(`${bucket}/${key} is not the object of its reference`)
    return body.toString('utf8')
  }
}
