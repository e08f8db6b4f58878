/** What must not be seen anywhere, by the name of the setting that holds it. */
export function listSecrets(env: Readonly<Record<string, string>>): Map<string, string> {
  const { GIGACHAT_CREDENTIALS: credentials, S3_SECRET_KEY: key, DATABASE_URL: database } = env
  const secrets = new Map<string, string>()
  if (credentials !== undefined) {
    secrets.set('GIGACHAT_CREDENTIALS', credentials)
    secrets.set('GIGACHAT_CREDENTIALS, decoded', Buffer.from(credentials, 'base64').toString())
  }
  if (key !== undefined) secrets.set('S3_SECRET_KEY', key)
  // With the user's name: the password of a local server alone is a word that any line may have.
  if (database !== undefined) secrets.set('DATABASE_URL', `${database.slice(database.indexOf('//') + 2, database.indexOf('@'))}@`)
  return secrets
}
