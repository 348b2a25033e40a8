/** Options of graphql-codegen for src/generated/graphql.ts; scripts/generate.mjs applies them. Paths are relative to that file. */
export default {
  contextType: '../graphql/context.ts#GraphQLContext',
  /** Objects that resolvers get as parents: GraphQL type -> exported type. */
  mappers: {},
  scalars: {
    ID: 'string',
    DateTime: 'Date',
    Bytes: 'number',
    Long: 'number',
    JSONObject: '../domain/json.ts#JsonObject',
  },
  enumType: 'string-literal',
  enumsAsTypes: true,
  immutableTypes: true,
  strictScalars: true,
  useIndexSignature: false,
  useTypeImports: true,
  importExtension: '.ts',
  emitLegacyCommonJSImports: false,
};
