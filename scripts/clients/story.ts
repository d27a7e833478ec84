// A story of the API, told by a client that was generated from its OpenAPI document: story.js ADDRESS EMAIL PASSWORD

import {
  AlertsApi,
  AuthApi,
  CompetitorsApi,
  Configuration,
  HistoryApi,
  InsightApi,
  ProductsApi,
  ResponseError,
  TenantsApi,
} from "./client";

const [address, email, password] = process.argv.slice(2);

// Products of the simulated marketplace.
const OWN = "B000000003";
const RIVAL = "B000000004";

function client(accessToken?: string): Configuration {
  return new Configuration({ basePath: address, accessToken });
}

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

async function eventually<T>(read: () => Promise<T>, isSo: (found: T) => boolean): Promise<T> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const found = await read();
    if (isSo(found)) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("this never came");
}

async function refused(request: Promise<unknown>): Promise<Response> {
  try {
    await request;
  } catch (error) {
    if (error instanceof ResponseError) return error.response;
    throw error;
  }
  throw new Error("this was not refused");
}

async function story(): Promise<void> {
  const signedIn = await new AuthApi(client()).postAuthLogin({ loginBody: { email, password } });
  const scopes = ["product:read", "product:write", "product:delete", "alert:write", "crawl:create"];
  const session = new AuthApi(client(signedIn.accessToken));
  const created = await session.postAuthApiKeys({ addApiKeyBody: { name: "story in TypeScript", scopes } });
  check(typeof created.key === "string", "the key is shown once");
  const key = client(created.key);
  const products = new ProductsApi(key);

  const add = (asin: string) => products.postProducts({ addProductBody: { asin, marketplace: "com", tags: ["typed"] } });
  const added = [await add(OWN), await add(RIVAL)];
  const crawled = (id: string) =>
    eventually(() => products.getProductsId({ id }), (found) => found.checkedAt !== null && found.checkedAt !== undefined);
  const [own, rival] = [await crawled(added[0].id), await crawled(added[1].id)];
  check(own.price?.currency === "USD" && own.price.amountMinor > 0, "there is no price");

  const listed = await products.getProducts({ tag: "typed" });
  check(listed.items.length === 2 && !listed.nextCursor, "two products are listed");
  const history = await new HistoryApi(key).getProductsIdHistory({ id: own.id, series: "price" });
  check(history.series.length === 1 && history.series[0].points.length >= 1, "a price is recorded");
  const insight = await new InsightApi(key).getProductsIdInsight({ id: own.id, days: "30" });
  check(insight.pricePercentile.missing?.code === "too_short", "a day is too short");

  const competitors = new CompetitorsApi(key);
  const set = await competitors.postCompetitors({ competitorSetBody: { productId: own.id, competitorIds: [rival.id] } });
  const compared = await competitors.getCompetitorsIdComparison({ id: set.id });
  check(compared.own.productId === own.id && compared.competitors.length === 1, "both are compared");

  const alerts = new AlertsApi(key);
  const rule = await alerts.postAlerts({
    addAlertBody: {
      productId: own.id,
      kind: "price_at_or_below",
      target: { amountMinor: 100, currency: "USD" },
      webhookUrl: "https://example.com/hook",
    },
  });
  check(rule.target?.amountMinor === 100, "the alert has its target");

  const wrong = await refused(products.postProducts({ addProductBody: { asin: "nonsense" } }));
  const problem = await wrong.json();
  check(wrong.status === 422 && problem.errors[0].field === "asin", "the wrong field is named");
  check((await refused(new TenantsApi(key).getTenantsMeAudit({}))).status === 403, "a scope is missing");

  for (const product of added) await products.deleteProductsId({ id: product.id });
  check((await products.getProducts({ tag: "typed" })).items.length === 0, "nothing is left");
  console.log("typescript: the story ends well");
}

story().catch((error) => {
  console.error(error);
  process.exit(1);
});
