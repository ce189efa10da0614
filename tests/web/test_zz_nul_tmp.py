from datetime import timedelta
import pytest
from tests.web.service import running, seed_database
from tests.web.test_producer_admin_pages import signed_in, short, ADMIN, MARIGOLD, VIEWER, NEW_VALUE
BAD = ["\x00", "rwd_\x00", "a\x00@example.com", "x"*5000, chr(0x1F600)*50, "ses_\x00"]
@pytest.fixture(params=["sqlite","pg"])
def service(request,tmp_path, postgres_server):
    url = None
    if request.param=="pg":
        url = postgres_server.create_database(postgres_server.template("demo", seed_database))
    with running(tmp_path, database_url=url) as f: yield f
def test_nul(service):
    from urllib.parse import quote
    bad500=[]
    admin=signed_in(service, ADMIN); admin.get("/admin/rewards"); prod=signed_in(service, MARIGOLD)
    v=service.browser(); v.get("/"); v.earn(1)
    paths=["/producer?producer={}","/producer?currency={}","/producer/{}","/producer/2026-11?currency={}","/producer/2026-11?entity={}","/producer/2026-11/why/{}","/admin/audit?q={}","/admin/audit?action={}","/admin/values?saved={}","/admin/rewards?done={}","/film/{}","/film/{}/x","/film/abcd/{}","/unlock/film/{}","/watch/film/{}","/earn?reward={}","/earn?next={}","/earn?ad={}","/earn/{}/status","/sandbox/ads/{}","/play/{}/master.m3u8","/play/{}/key","/media/{}","/art/{}/poster.svg","/problems/{}","/wallet?before={}","/v1/titles/film/{}","/v1/titles?type={}","/v1/producer/statements?producer={}","/v1/producer/statements/{}","/v1/ads/rewards/{}","/v1/admin/audit?query={}", "/join?next={}","/sign-in?next={}","/{}"]
    for p in paths:
        for b in BAD+["9"*30]:
            u=p.format(quote(b,safe=""))
            for who,br in (("admin",admin),("prod",prod),("viewer",v)):
                r=br.get(u, headers={"HX-Request":"true"} if "status" in p else {})
                if r.status_code>=500: bad500.append((who,p,b[:12],r.status_code))
    forms=[("/admin/values",dict(NEW_VALUE,idempotency_key="k"),["idempotency_key","kind","effective_from","value_INR"]),
      ("/admin/values/preview",dict(NEW_VALUE,idempotency_key="k"),["kind","effective_from","value_INR","value_USD"]),
      ("/admin/close/2026-10",{"entity":"newtact"},["entity"]),
      ("/admin/rewards",{"reward_id":"rwd_x","decision":"release","reason":"abc"},["reward_id","decision","reason"]),
      ("/admin/wallets",{"owner":VIEWER,"act":"freeze","reason":"abc","idempotency_key":"kk"},["owner","act","reason","idempotency_key"]),
      ("/admin/demo/clock",{"by":"+1day"},["by"]),
      ("/join",{"email":"q@example.com","password":"Long-enough-1"},["email","password","next"]),
      ("/sign-in",{"email":"q@example.com","password":"Long-enough-1"},["email","password","next"]),
      ("/country",{"country":"IN","next":"/"},["country","next"]),
      ("/earn/start",{"next":"/"},["next"]),
      ("/unlock/short/"+short(v).split("/")[1],{"idempotency_key":"k-12345678","cost":"1","rule_version":"1"},["idempotency_key","cost","rule_version"]),
    ]
    for p,form,fields in forms:
        for fld in fields:
            for b in BAD+["9"*30]:
                br=admin if p.startswith("/admin") else v
                r=br.post(p,{**form,fld:b})
                if r.status_code>=500: bad500.append((p,fld,b[:12],r.status_code))
    import pprint; pprint.pprint(sorted(set((x[-3],x[-4],x[-2]) if len(x)==4 else x for x in map(tuple,bad500)),key=str))
    assert not bad500
