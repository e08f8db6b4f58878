import { pbkdf2Sync, randomBytes } from 'node:crypto'
import {
  AclOperations,
  AclPermissionTypes,
  Admin,
  alterUserScramCredentialsV0,
  Connection,
  ResourcePatternTypes,
  ResourceTypes,
  type Acl,
} from '@platformatic/kafka'
import { onTestFinished } from 'vitest'

const SHA_512 = 2
const ITERATIONS = 4_096

/** Gives a user of a broker this password, from now on the only one. `port` is of the plain listener. */
export async function setPassword(port: number, name: string, password: string): Promise<void> {
  const salt = randomBytes(16)
  const saltedPassword = pbkdf2Sync(password, salt, ITERATIONS, 64, 'sha512')
  const connection = new Connection('test')
  await connection.connect('127.0.0.1', port)
  try {
    const change = { name, mechanism: SHA_512, iterations: ITERATIONS, salt, saltedPassword }
    await alterUserScramCredentialsV0.api.async(connection, [], [change])
  } finally {
    await connection.close()
  }
}

/** May do everything with every topic and group, by name. */
export function makeFullRights(name: string): Acl[] {
  return [ResourceTypes.TOPIC, ResourceTypes.GROUP].map((resourceType) => ({
    ...makeRight(name),
    resourceType,
    resourceName: '*',
    operation: AclOperations.ALL,
    permissionType: AclPermissionTypes.ALLOW,
  }))
}

/** Goes before every right. */
export function makeWriteBan(name: string, topic: string): Acl {
  return {
    ...makeRight(name),
    resourceType: ResourceTypes.TOPIC,
    resourceName: topic,
    operation: AclOperations.WRITE,
    permissionType: AclPermissionTypes.DENY,
  }
}

function makeRight(name: string) {
  return { resourcePatternType: ResourcePatternTypes.LITERAL, principal: `User:${name}`, host: '*' }
}

/** Of the plain listener, where everything is allowed. Closed when the test is over. */
export function openAdmin(port: number): Admin {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [`127.0.0.1:${port}`] })
  onTestFinished(() => admin.close())
  return admin
}
