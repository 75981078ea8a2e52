import { defineConfig } from "vitest/config"
import { files } from "./test/testing/notOnPorts.ts"

// `source` resolves `skein/...` to src, so that tests need no build.
const conditions = ["source"]

export default defineConfig(({ mode }) => ({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["test/**/*.test.ts", ".doctest/**/*.test.ts"],
    exclude: [
      "**/node_modules/**",
      "test/bench/**",
      ...mode === "ports" ? Object.keys(files) : []
    ],
    // Read by test/long.ts.
    env: { LONG: mode === "long" ? "yes" : "no" },
    // Workers behind a border.
    setupFiles: mode === "ports" ? ["test/testing/onPorts.ts"] : [],
    // Many tests make tasks fail: what these write to the log is shown for tests that fail.
    silent: "passed-only",
    // Loading Effect anew for each file would take most of the time; nothing in src keeps state in a module.
    isolate: false,
    // Ends a test that hangs; a slow machine must not come near it.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    coverage: { provider: "v8", include: ["src/**"] }
  }
}))
