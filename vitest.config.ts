import { defineConfig } from "vitest/config"

// `source` resolves `skein/...` to src, so that tests need no build.
const conditions = ["source"]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["test/**/*.test.ts", ".doctest/**/*.test.ts"],
    exclude: ["**/node_modules/**", "test/bench/**"],
    // Loading Effect anew for each file would take most of the time; nothing in src keeps state in a module.
    isolate: false,
    testTimeout: 30_000,
    coverage: { provider: "v8", include: ["src/**"] }
  }
})
