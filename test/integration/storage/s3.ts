import { Client } from 'minio'
import { storageSettings, type StorageSettings } from '#libs/storage'
import type { S3Address } from '#tools/stack'

/** Settings as the service reads them, on a bucket that the test owns. */
export function makeStorageSettings(s3: S3Address, bucket: string, env: Record<string, string> = {}): StorageSettings {
  return storageSettings.parse({
    S3_ENDPOINT: s3.endpoint,
    S3_ACCESS_KEY: s3.accessKey,
    S3_SECRET_KEY: s3.secretKey,
    S3_BUCKET: bucket,
    ...env,
  })
}

/** The plain client, for what only a test does. */
export function makeClient({ endpoint, accessKey, secretKey }: S3Address): Client {
  const { hostname, port } = new URL(endpoint)
  return new Client({ endPoint: hostname, port: Number(port), useSSL: false, accessKey, secretKey })
}

/** Ends a test's bucket with everything in it, in all versions. */
export async function removeBucket(client: Client, bucket: string): Promise<void> {
  const listed = client.listObjects(bucket, '', true, { IncludeVersion: true }) as AsyncIterable<{ name: string; versionId: string }>
  for await (const { name, versionId } of listed) await client.removeObject(bucket, name, { versionId })
  await client.removeBucket(bucket)
}
