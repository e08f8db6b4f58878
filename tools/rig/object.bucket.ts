import { buffer } from 'node:stream/consumers'
import { Client } from 'minio'
import type { S3Address } from '#tools/stack'

/** One bucket, for whoever puts files there and reads answers. */
export class ObjectBucket {
  private readonly client: Client

  constructor(
    { endpoint, accessKey, secretKey }: S3Address,
    readonly name: string,
  ) {
    const { hostname, port, protocol } = new URL(endpoint)
    this.client = new Client({ endPoint: hostname, port: Number(port), useSSL: protocol === 'https:', accessKey, secretKey })
  }

  async create(): Promise<void> {
    await this.client.makeBucket(this.name)
  }

  async put(key: string, body: string | Buffer, mediaType = 'text/plain; charset=utf-8'): Promise<void> {
    await this.client.putObject(this.name, key, Buffer.from(body), undefined, { 'content-type': mediaType })
  }

  async get(key: string): Promise<Buffer> {
    return buffer(await this.client.getObject(this.name, key))
  }

  async keys(prefix = ''): Promise<string[]> {
    const items = (await this.client.listObjectsV2(this.name, prefix, true).toArray()) as { name?: string }[]
    return items.flatMap(({ name }) => (name === undefined ? [] : [name]))
  }
}
