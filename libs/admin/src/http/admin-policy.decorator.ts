import { SetMetadata, type CustomDecorator } from '@nestjs/common'

/** What a token may be good for. A closed list. */
export type Permission = 'status:read' | 'log-levels:read' | 'log-levels:write' | 'profile:cpu' | 'profile:heap'

export const ADMIN_POLICY = Symbol('sluice.admin.policy')

/** What a route asks of its caller. One without it is closed to everybody. */
export function AdminPolicy(permission: Permission): CustomDecorator<symbol> {
  return SetMetadata(ADMIN_POLICY, permission)
}
