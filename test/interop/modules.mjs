// Where the packages of package.json are: below DARRAY_NODE, a folder that has node_modules.
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

export const folder = resolve(process.env.DARRAY_NODE ?? ".");
export const need = createRequire(join(folder, "package.json"));
