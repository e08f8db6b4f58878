import type { BucketItemStat, Client } from 'minio'
import { S3ResponseError } from './s3-response.error.js'

/** What the store knows of an object; undefined: there is none. */
export async function findObject(client: Client, bucket: string, key: string): Promise<BucketItemStat | undefined> {
  try {
    return await client.statObject(bucket, key)
  } catch (error) {
    if (error instanceof S3ResponseError && error.status === 404) return undefined
    throw error
  }
}
