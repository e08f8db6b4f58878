const LIMIT_MS = 3_000

/** Throws unless a MinIO says that it is healthy; other S3 servers have no such address. */
export async function probeMinio(endpoint: string): Promise<void> {
  const answer = await fetch(`${endpoint}/minio/health/live`, { signal: AbortSignal.timeout(LIMIT_MS) })
  if (!answer.ok) throw new Error(`${endpoint} answers its health check with ${answer.status}`)
}
