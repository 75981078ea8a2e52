/**
 * What a structured clone keeps of the values of a schema, and a codec for the rest.
 *
 * @internal
 */
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaParser from "effect/SchemaParser"

/** The declarations of Effect whose values a clone keeps, if it keeps their members. */
const keptIds: ReadonlySet<unknown> = new Set(
  ["Date", "ReadonlyMap", "ReadonlySet", "RegExp", "Uint8Array"].map((name) => `effect/schema/${name}`)
)

/** Whether a structured clone keeps every value that has the type of a schema. */
export const isKept = (ast: SchemaAST.AST): boolean => new Walk().isKept(ast)

class Walk {
  /** The parts of recursive schemas that are being looked at, which count as kept meanwhile. */
  private readonly open = new Set<SchemaAST.AST>()

  isKept(ast: SchemaAST.AST): boolean {
    switch (ast._tag) {
      // A symbol has no clone. A value that is asked to be `undefined` may be anything.
      case "Symbol":
      case "UniqueSymbol":
      case "Void":
        return false
      // Of these the clone takes what it can, unless the schema says how they travel, as `Schema.Defect` does.
      case "Any":
      case "ObjectKeyword":
      case "Unknown":
        return ast.encoding === undefined
      case "Arrays":
        return this.areKept([...ast.elements, ...ast.rest])
      case "Objects":
        return ast.propertySignatures.every(({ name, type }) => typeof name === "string" && this.isKept(type)) &&
          this.areKept(ast.indexSignatures.flatMap(({ parameter, type }) => [parameter, type]))
      case "Union":
        return this.areKept(ast.types)
      case "Suspend":
        return this.isRecursivelyKept(ast)
      case "Declaration":
        return this.isDeclarationKept(ast)
      default:
        return true
    }
  }

  private areKept(all: ReadonlyArray<SchemaAST.AST>): boolean {
    return all.every((each) => this.isKept(each))
  }

  private isRecursivelyKept(suspended: SchemaAST.Suspend): boolean {
    const ast = suspended.thunk()
    if (this.open.has(ast)) return true
    this.open.add(ast)
    return this.isKept(ast)
  }

  /** One without a codec has no other way than the clone; where it arrives, the schema says whether that did. */
  private isDeclarationKept({ annotations, encoding, typeParameters }: SchemaAST.Declaration): boolean {
    const representation = annotations?.["representation"] as { readonly id?: unknown } | undefined
    if (keptIds.has(representation?.id)) return this.areKept(typeParameters)
    const hasCodec = (annotations?.["toCodecJson"] ?? annotations?.["toCodec"] ?? encoding) !== undefined
    return !hasCodec && this.areKept(typeParameters)
  }
}

/**
 * The codec of a schema to what a clone keeps: parts that it keeps stay as they are, so bytes stay buffers; others travel as in
 * JSON.
 */
export const toClonable = (schema: Schema.Constraint): Schema.Codec<unknown, unknown, unknown, unknown> =>
  Schema.toCodecJson(Schema.make<Schema.Constraint>(new Marking().mark(schema.ast))) as never

/** Makes a schema in which all that a clone keeps is a declaration, which Effect's codecs pass on. */
class Marking {
  /** Schemas that refer to themselves stay finite. */
  private readonly done = new Map<SchemaAST.AST, SchemaAST.AST>()

  readonly mark = (ast: SchemaAST.AST): SchemaAST.AST => {
    let marked = this.done.get(ast)
    if (marked === undefined) this.done.set(ast, marked = isKept(ast) ? opaque(ast) : this.inside(ast))
    return marked
  }

  private inside(ast: SchemaAST.AST): SchemaAST.AST {
    const { mark } = this
    const { annotations, checks, context } = ast
    const encoding = this.ofEncoding(ast.encoding)
    switch (ast._tag) {
      case "Declaration": {
        const { encodingChecks, encodingRun, run } = ast
        const inner = ast.typeParameters.map(mark)
        return new SchemaAST.Declaration(
          inner,
          run,
          annotations,
          checks,
          encoding,
          context,
          encodingChecks,
          encodingRun
        )
      }
      case "Arrays": {
        const [elements, rest] = [ast.elements.map(mark), ast.rest.map(mark)]
        const { encodingChecks, isMutable } = ast
        return new SchemaAST.Arrays(isMutable, elements, rest, annotations, checks, encoding, context, encodingChecks)
      }
      case "Objects": {
        const properties = ast.propertySignatures.map(({ name, type }) =>
          new SchemaAST.PropertySignature(name, mark(type))
        )
        const indices = ast.indexSignatures.map(({ parameter, type }) =>
          new SchemaAST.IndexSignature(parameter, mark(type))
        )
        return new SchemaAST.Objects(properties, indices, annotations, checks, encoding, context, ast.encodingChecks)
      }
      case "Union": {
        const { encodingChecks, options } = ast
        return new SchemaAST.Union(ast.types.map(mark), options, annotations, checks, encoding, context, encodingChecks)
      }
      case "Suspend":
        return new SchemaAST.Suspend(() => mark(ast.thunk()), annotations, checks, encoding, context)
      default:
        return ast
    }
  }

  /** The last link leads to what travels. */
  private ofEncoding(encoding: SchemaAST.Encoding | undefined): SchemaAST.Encoding | undefined {
    if (encoding === undefined) return undefined
    const last = encoding.at(-1)!
    const link = new SchemaAST.Link(this.mark(last.to), last.transformation)
    return [...encoding.slice(0, -1), link] as unknown as SchemaAST.Encoding
  }
}

const opaque = (ast: SchemaAST.AST): SchemaAST.AST => {
  const decode = SchemaParser.decodeUnknownEffect(Schema.make<Schema.Constraint>(SchemaAST.toType(ast)))
  return new SchemaAST.Declaration(
    [],
    () => (input, _, options) => decode(input, options) as never,
    { toCodecJson: () => undefined },
    undefined,
    undefined,
    ast.context
  )
}
