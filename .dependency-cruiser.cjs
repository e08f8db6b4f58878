/** Who may import whom. libs/<name> is reached by others only as #libs/<name>, which is its index.ts. */
const CROSS_CUTTING = ['config', 'resilience', 'logging', 'metrics', 'tracing', 'health']
const ADAPTERS = ['llm', 'db', 'storage', 'queue', 'admission', 'admin']

/** What is in the image, but for the tests beside it. */
const PRODUCTION = '^(apps/(worker|cli)|libs)/'
const TEST_CODE = ['\\.test\\.ts$', '^(apps|libs)/.*/testing/', '^libs/[^/]+/test/', '^test/']

const mayImport = (lib, allowed) => ({
  name: `${lib}-boundary`,
  severity: 'error',
  comment: `libs/${lib} may import only: ${allowed.join(', ') || 'no other library'}`,
  from: { path: `^libs/${lib}/` },
  to: { path: '^libs/', pathNot: `^libs/(${[lib, ...allowed].join('|')})/` },
})

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: ['\\.test\\.ts$', '\\.config\\.ts$', '^test/', '^tools/', '^\\.', 'migrations/'] },
      to: {},
    },
    mayImport('contracts', []),
    mayImport('kernel', ['contracts']),
    ...CROSS_CUTTING.map((lib) => mayImport(lib, ['contracts', 'kernel', 'config'])),
    ...ADAPTERS.map((lib) => mayImport(lib, ['contracts', 'kernel', ...CROSS_CUTTING])),
    mayImport('tasks', ['contracts', 'kernel', ...CROSS_CUTTING]),
    { name: 'libs-never-apps', severity: 'error', from: { path: '^libs/', pathNot: '\\.test\\.ts$' }, to: { path: '^(apps|test|tools)/' } },
    {
      name: 'library-tests-use-shared-fakes-only',
      severity: 'error',
      from: { path: '^libs/.*\\.test\\.ts$' },
      to: { path: '^(apps|test|tools)/', pathNot: '^test/(factories|fakes)/' },
    },
    { name: 'apps-apart', severity: 'error', from: { path: '^apps/([^/]+)/' }, to: { path: '^apps/', pathNot: '^apps/$1/' } },
    {
      name: 'libraries-by-their-index',
      severity: 'error',
      from: { path: '^(apps|libs)/([^/]+)/' },
      to: { path: '^libs/[^/]+/', pathNot: ['^libs/[^/]+/src/index\\.ts$', '^$1/$2/'] },
    },
    {
      name: 'no-dev-dependencies-in-production',
      severity: 'error',
      comment: 'the image has only `dependencies`',
      from: { path: PRODUCTION, pathNot: TEST_CODE },
      to: { dependencyTypes: ['npm-dev'] },
    },
    {
      name: 'no-test-code-in-production',
      severity: 'error',
      comment: 'what only tests use may use development packages, and is not in the image',
      from: { path: PRODUCTION, pathNot: TEST_CODE },
      to: { path: TEST_CODE },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'import', 'require', 'node', 'default'],
      extensions: ['.ts', '.js', '.json'],
    },
  },
}
