import { findFunctionProblem } from '../chat/function.validation.js'
import { isRecord, parseJson } from '../http/json.js'
import { makeErrorReply, makeJsonReply } from '../http/reply.js'
import { makePlainRoute } from '../http/route.js'

const RULES_VERSION = '1.0.5'

/** `POST /v1/functions/validate`: also a wrong function is answered 200. */
export const functionsValidateRoute = makePlainRoute('functions', ({ body }) => {
  const declared = parseJson(body)
  if (!isRecord(declared)) return makeErrorReply(400, 'Your request contains invalid JSON syntax.')
  const problem = findFunctionProblem(declared)
  const warnings = typeof declared.description === 'string' ? [] : [{ description: 'description is missing', schema_location: '(root)' }]
  return makeJsonReply({
    status: 200,
    message: problem === undefined ? 'Function is valid' : 'Incorrect function syntax',
    json_ai_rules_version: RULES_VERSION,
    ...(problem !== undefined && { errors: [{ description: problem, schema_location: '(root)' }] }),
    ...(warnings.length > 0 && { warnings }),
  })
})
