"""What is said: everyday sentences, written for this corpus.

``NEUTRAL`` holds the same eight plain statements in each language. Every speaker says each of them in every emotion,
so the words say nothing about the emotion. ``EMOTIONAL`` holds sentences whose words suggest an emotion (under
``"neutral"``: matter-of-fact ones). All end with a full stop, so that punctuation gives nothing away; and none has a
grammatical form that fits one gender of speaker only.
"""

from __future__ import annotations

NEUTRAL: dict[str, tuple[str, ...]] = {
    "de": (
        "Die Zeitung liegt auf dem Tisch in der Küche.",
        "Am Nachmittag fährt der Bus bis zum Bahnhof.",
        "Der Schlüssel hängt neben der Tür an der Wand.",
        "Sie hat das Buch gestern in die Tasche gelegt.",
        "Wir gehen heute Abend noch einmal zum Markt.",
        "Im Garten stehen drei Stühle und eine Bank.",
        "Am Mittwoch kommt er mit dem Fahrrad zur Arbeit.",
        "Das Fenster im Flur ist seit dem Morgen offen.",
    ),
    "en": (
        "The newspaper is on the table in the kitchen.",
        "In the afternoon the bus goes to the station.",
        "The key is hanging on the wall beside the door.",
        "She put the book into the bag yesterday.",
        "We are going to the market again this evening.",
        "There are three chairs and a bench in the garden.",
        "On Wednesday he comes to work by bicycle.",
        "The window in the hall has been open since morning.",
    ),
    "it": (
        "Il giornale è sul tavolo della cucina.",
        "Nel pomeriggio l'autobus va fino alla stazione.",
        "La chiave è appesa al muro accanto alla porta.",
        "Ieri ha messo il libro nella borsa.",
        "Stasera andiamo di nuovo al mercato.",
        "In giardino ci sono tre sedie e una panca.",
        "Mercoledì viene al lavoro in bicicletta.",
        "La finestra del corridoio è aperta da stamattina.",
    ),
    "pl": (
        "Gazeta leży na stole w kuchni.",
        "Po południu autobus jedzie na dworzec.",
        "Klucz wisi na ścianie obok drzwi.",
        "Wczoraj włożyła książkę do torby.",
        "Dziś wieczorem idziemy jeszcze raz na targ.",
        "W ogrodzie stoją trzy krzesła i ławka.",
        "W środę przyjedzie do pracy na rowerze.",
        "Okno w korytarzu jest otwarte od rana.",
    ),
    "zh": (
        "报纸在厨房的桌子上。",
        "下午公共汽车开到火车站。",
        "钥匙挂在门旁边的墙上。",
        "她昨天把书放进了包里。",
        "我们今天晚上再去一次市场。",
        "花园里有三把椅子和一条长凳。",
        "他星期三骑自行车来上班。",
        "走廊的窗户从早上一直开着。",
    ),
}

EMOTIONAL: dict[str, dict[str, tuple[str, ...]]] = {
    "de": {
        "anger": (
            "Jetzt reicht es, das lasse ich mir nicht bieten.",
            "Wie kannst du mich nur so unverschämt belügen.",
            "Hör endlich auf damit, du machst mich rasend.",
        ),
        "boredom": (
            "Immer dasselbe, hier passiert doch nie etwas.",
            "Diese Sitzung zieht sich wieder endlos hin.",
            "Vor lauter Langeweile zähle ich schon die Fliegen.",
        ),
        "disgust": (
            "Pfui, das Fleisch ist ja voller Maden.",
            "Der Gestank in diesem Bad ist einfach widerlich.",
            "Igitt, in der Suppe schwimmt ein langes Haar.",
        ),
        "fear": (
            "Da ist jemand im Haus, ich habe solche Angst.",
            "Bitte lass mich hier nicht im Dunkeln allein.",
            "Vorsicht, das Seil kann jeden Moment reißen.",
        ),
        "happiness": (
            "Wir haben gewonnen, das ist einfach wunderbar.",
            "Ich freue mich so, dass du endlich da bist.",
            "Heute ist der schönste Tag in meinem Leben.",
        ),
        "neutral": (
            "Die Sitzung beginnt um neun im zweiten Stock.",
            "Das Paket wiegt ungefähr zwei Kilogramm.",
            "Auf der Liste stehen Brot, Milch und Butter.",
        ),
        "sadness": (
            "Seit sie fort ist, steht das Haus so leer.",
            "Mein alter Hund ist in der Nacht gestorben.",
            "Alles ist verloren, ich kann nur noch weinen.",
        ),
    },
    "en": {
        "anger": (
            "That is enough, I will not put up with this.",
            "How dare you lie to me like that again.",
            "Stop it at last, you are driving me mad.",
        ),
        "boredom": (
            "Always the same, nothing ever happens here.",
            "This meeting is dragging on for ever.",
            "I am so bored that I am counting the flies.",
        ),
        "disgust": (
            "Yuck, the meat is full of maggots.",
            "The stench in this bathroom is revolting.",
            "Ugh, there is a long hair in the soup.",
        ),
        "fear": (
            "There is someone in the house, I am so scared.",
            "Please do not leave me alone in the dark.",
            "Watch out, the rope may snap at any moment.",
        ),
        "happiness": (
            "We have won, that is simply wonderful.",
            "I am so glad that you are here at last.",
            "Today is the happiest day of my life.",
        ),
        "neutral": (
            "The meeting starts at nine on the second floor.",
            "The parcel weighs about two kilograms.",
            "Bread, milk and butter are on the list.",
        ),
        "sadness": (
            "Since she left, the house has been so empty.",
            "My old dog passed away during the night.",
            "All is lost, there is nothing left but tears.",
        ),
    },
    "it": {
        "anger": (
            "Adesso basta, non mi lascio trattare così.",
            "Come osi mentirmi ancora in questo modo.",
            "Smettila una buona volta, mi fai infuriare.",
        ),
        "boredom": (
            "Sempre la stessa storia, qui non succede mai niente.",
            "Questa riunione non finisce davvero più.",
            "Dalla noia comincio a contare le mosche.",
        ),
        "disgust": (
            "Che schifo, la carne è piena di vermi.",
            "La puzza in questo bagno è nauseante.",
            "Bleah, nella zuppa c'è un lungo capello.",
        ),
        "fear": (
            "C'è qualcuno in casa, ho tanta paura.",
            "Ti prego, non lasciarmi qui al buio.",
            "Attenzione, la corda si può spezzare da un momento all'altro.",
        ),
        "happiness": (
            "Abbiamo vinto, è davvero meraviglioso.",
            "Che gioia che tu sia finalmente qui.",
            "Oggi è il giorno più bello della mia vita.",
        ),
        "neutral": (
            "La riunione comincia alle nove al secondo piano.",
            "Il pacco pesa circa due chili.",
            "Sulla lista ci sono pane, latte e burro.",
        ),
        "sadness": (
            "Da quando lei non c'è più, la casa è vuota.",
            "Questa notte è morto il mio vecchio cane.",
            "Tutto è perduto, posso soltanto piangere.",
        ),
    },
    "pl": {
        "anger": (
            "Mam tego dość, nie dam się tak traktować.",
            "Jak śmiesz mnie tak bezczelnie okłamywać.",
            "Przestań wreszcie, doprowadzasz mnie do szału.",
        ),
        "boredom": (
            "Ciągle to samo, tu nigdy nic się nie dzieje.",
            "To zebranie ciągnie się bez końca.",
            "Z nudów zaczynam już liczyć muchy.",
        ),
        "disgust": (
            "Fuj, w tym mięsie aż roi się od robaków.",
            "Smród w tej łazience jest obrzydliwy.",
            "Ohyda, w zupie pływa długi włos.",
        ),
        "fear": (
            "Ktoś jest w domu, tak bardzo się boję.",
            "Proszę, nie odchodź, tu jest tak ciemno.",
            "Uważaj, ta lina może w każdej chwili pęknąć.",
        ),
        "happiness": (
            "Wygraliśmy, to jest po prostu wspaniałe.",
            "Tak się cieszę, że wreszcie jesteś.",
            "To najpiękniejszy dzień mojego życia.",
        ),
        "neutral": (
            "Zebranie zaczyna się o dziewiątej na drugim piętrze.",
            "Paczka waży około dwóch kilogramów.",
            "Na liście są chleb, mleko i masło.",
        ),
        "sadness": (
            "Odkąd jej nie ma, dom jest taki pusty.",
            "W nocy odszedł mój stary pies.",
            "Wszystko stracone, pozostał mi tylko płacz.",
        ),
    },
    "zh": {
        "anger": (
            "够了，我再也不能忍受这种对待。",
            "你怎么敢这样厚着脸皮骗我。",
            "快住手，你要把我气疯了。",
        ),
        "boredom": (
            "总是老样子，这里什么事也没有。",
            "这个会议没完没了，真没意思。",
            "我无聊得开始数苍蝇了。",
        ),
        "disgust": (
            "真恶心，这块肉里全是虫子。",
            "这个厕所臭得让人想吐。",
            "呸，汤里漂着一根长头发。",
        ),
        "fear": (
            "屋子里有人，我好害怕。",
            "求求你，别把我留在黑暗里。",
            "小心，绳子随时可能会断。",
        ),
        "happiness": (
            "我们赢了，这真是太好了。",
            "你终于来了，我真的好高兴。",
            "今天是我一生中最美好的一天。",
        ),
        "neutral": (
            "会议九点在二楼开始。",
            "这个包裹大约重两公斤。",
            "清单上有面包、牛奶和黄油。",
        ),
        "sadness": (
            "自从她走了，家里空荡荡的。",
            "我的老狗昨天夜里死了。",
            "一切都完了，我只能流泪。",
        ),
    },
}
