import { ForbiddenException, Injectable, UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common'
import { Reflector } from '@nestjs/core'
import { ADMIN_POLICY, type Permission } from './admin-policy.decorator.js'
import { AdminTokens } from './admin-tokens.js'

interface AdminRequest {
  readonly headers: { readonly authorization?: string }
}

/** Lets nobody in but those whom the policy of a route names. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly tokens: AdminTokens,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const permission = this.reflector.get<Permission | undefined>(ADMIN_POLICY, context.getHandler())
    if (permission === undefined) throw new ForbiddenException('this route has no policy, so it is closed')
    const { headers } = context.switchToHttp().getRequest<AdminRequest>()
    switch (this.tokens.judge(headers.authorization, permission)) {
      case 'allowed':
        return true
      case 'closed':
        throw new ForbiddenException(`set ${permission === 'profile:heap' ? 'ADMIN_HEAP_TOKEN' : 'ADMIN_TOKEN'} to open this route`)
      case 'forbidden':
        throw new ForbiddenException(`this token is not good for ${permission}`)
      case 'unknown':
        throw new UnauthorizedException('send the header Authorization: Bearer <token>')
    }
  }
}
