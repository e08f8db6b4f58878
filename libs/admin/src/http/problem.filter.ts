import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common'
import { TaskError } from '#libs/kernel'
import { InvalidRequestError } from '../invalid-request.error.js'

interface Reply {
  status(code: number): Reply
  header(name: string, value: string): Reply
  send(body: unknown): unknown
}

interface Problem {
  readonly status: number
  readonly code: string
  readonly detail: string
}

/** RFC 9457: every refusal and failure is `application/problem+json`, and never a stack. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name)

  catch(thrown: unknown, host: ArgumentsHost): void {
    const problem = describe(thrown)
    if (problem.status >= 500) this.logger.error('an admin request failed', { error: thrown })
    host
      .switchToHttp()
      .getResponse<Reply>()
      .status(problem.status)
      .header('content-type', 'application/problem+json')
      .header('cache-control', 'no-store')
      .send(JSON.stringify({ type: 'about:blank', ...problem }))
  }
}

function describe(thrown: unknown): Problem {
  if (thrown instanceof InvalidRequestError) return { status: 400, code: 'invalid_request', detail: thrown.message }
  if (thrown instanceof HttpException) return { status: thrown.getStatus(), code: makeCode(thrown), detail: thrown.message }
  if (thrown instanceof TaskError) return { status: 503, code: thrown.code, detail: thrown.message }
  return { status: 500, code: 'internal', detail: 'it failed: the log says why' }
}

/** NotFoundException: not_found. */
function makeCode({ name }: HttpException): string {
  return name
    .replace(/Exception$/, '')
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_')
    .toLowerCase()
}
